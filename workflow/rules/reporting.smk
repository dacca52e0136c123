# Scores → tables and figures.

# What of each run a table or figure is drawn from.
TABLE_FILES = {
    "table1": ["timing"],
    "table2": ["scores"],
    "table3": ["scores", "labels"],
    "table4": ["scores"],
    "table5": ["scores"],
    "table6": ["scores"],
}
FIGURE_FILES = {
    "figure2": ["labels", "scores"],
    "figure3": ["labels"],
    "figure4": ["labels"],
    "figure5": ["model", "scores"],
    "figure6": ["scores"],
}


for table, files in TABLE_FILES.items():

    rule:
        name:
            table
        input:
            of_runs(table, *files),
        output:
            csv=TABLES / f"{table}.csv",
            tex=TABLES / f"{table}.tex",
            md=TABLES / f"{table}.md",
        log:
            LOGS / f"{table}.log",
        benchmark:
            BENCHMARKS / f"{table}.tsv"
        conda:
            "../../envs/torch.yaml"
        threads: 1
        resources:
            mem_mb=2000,
            runtime=30,
            gpu=0,
        params:
            plan=plan_of(table),
        message:
            f"Setting {table}"
        script:
            "../scripts/table.py"


for figure, files in FIGURE_FILES.items():

    rule:
        name:
            figure
        input:
            runs=of_runs(figure, *files),
            samples=samples_of(figure),
        output:
            pdf=FIGURES / f"{figure}.pdf",
            png=FIGURES / f"{figure}.png",
            csv=FIGURES / f"{figure}.csv",
        log:
            LOGS / f"{figure}.log",
        benchmark:
            BENCHMARKS / f"{figure}.tsv"
        conda:
            "../../envs/torch.yaml"
        threads: PROJECT.scale.threads if "model" in files else 1
        resources:
            mem_mb=4000,
            runtime=30,
            gpu=GPUS if "model" in files else 0,
        params:
            plan=plan_of(figure),
        message:
            f"Drawing {figure}"
        script:
            "../scripts/figure.py"


rule tables:
    input:
        expand(
            TABLES / "{table}.{ending}", table=TABLE_FILES, ending=["csv", "tex", "md"]
        ),


rule figures:
    input:
        expand(
            FIGURES / "{figure}.{ending}",
            figure=FIGURE_FILES,
            ending=["pdf", "png", "csv"],
        ),
