# Scores → tables, figures, claims.


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
            html=listed(table, TABLES / f"{table}.html"),
        log:
            LOGS / f"{table}.log",
        benchmark:
            BENCHMARKS / f"{table}.tsv"
        localrule: True
        conda:
            "../../envs/torch.yaml"
        threads: 1
        resources:
            mem_mb=2000,
            runtime=30,
            gpu=0,
        params:
            plan=plan_of(table),
            made_of=inputs_key(table, files),
            code=KEYS.reporting("table", table),
        message:
            f"Setting {table}"
        script:
            "../scripts/table.py"


for figure, files in FIGURE_FILES.items():

    rule:
        name:
            figure
        input:
            runs=of_runs(figure, *files, first_seed=figure in FIRST_SEED),
            samples=samples_of(figure),
        output:
            pdf=FIGURES / f"{figure}.pdf",
            png=listed(figure, FIGURES / f"{figure}.png"),
            csv=FIGURES / f"{figure}.csv",
            tex=FIGURES / f"{figure}.tex",
        log:
            LOGS / f"{figure}.log",
        benchmark:
            BENCHMARKS / f"{figure}.tsv"
        conda:
            "../../envs/torch.yaml"
        threads: PROJECT.scale.threads if figure in ON_DEVICE else 1
        resources:
            mem_mb=growing(4000),
            runtime=growing(30),
            gpu=gpus if figure in ON_DEVICE else 0,
        params:
            plan=plan_of(figure),
            made_of=inputs_key(figure, files, first_seed=figure in FIRST_SEED),
            code=KEYS.reporting("figure", figure),
        message:
            f"Drawing {figure}"
        script:
            "../scripts/figure.py"


rule claims:
    input:
        tables=expand(TABLES / "{table}.csv", table=TABLE_FILES),
        figures=expand(
            FIGURES / "{figure}.csv", figure=["figure2", "figure3", "figure6"]
        ),
        samples=[LAYOUT.samples(dataset) for dataset in TRAINED],
    output:
        csv=TABLES / "claims.csv",
        tex=TABLES / "claims.tex",
        md=TABLES / "claims.md",
        html=report(
            TABLES / "claims.html",
            caption="../report/claims.rst",
            category="Claims",
            labels={"claims": "The paper's prose", "scale": PROJECT.config.scale},
        ),
    log:
        LOGS / "claims.log",
    benchmark:
        BENCHMARKS / "claims.tsv"
    localrule: True
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
        gpu=0,
    params:
        plan=claims_plan,
        made_of=lambda wildcards: artefacts_key(),
        code=KEYS.of_all_runs("claims"),
    message:
        "Checking the paper's claims"
    script:
        "../scripts/claims.py"


rule loss_curves:
    input:
        histories,
    output:
        pdf=FIGURES / "curves-{dataset}.pdf",
        png=report(
            FIGURES / "curves-{dataset}.png",
            caption="../report/curves.rst",
            category="Training",
            subcategory=lambda wildcards: {2: "Images", 3: "Volumes"}[
                rank_of(wildcards)
            ],
            labels=lambda wildcards: {
                "losses": f"{PROJECT.datasets[wildcards.dataset].title}: {len(runs_on(wildcards.dataset))} runs",
                "scale": PROJECT.config.scale,
            },
        ),
        csv=FIGURES / "curves-{dataset}.csv",
    log:
        LOGS / "loss_curves/{dataset}.log",
    benchmark:
        BENCHMARKS / "loss_curves/{dataset}.tsv"
    localrule: True
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
        gpu=0,
    params:
        title=lambda wildcards: PROJECT.datasets[wildcards.dataset].title,
        scale=SCALE,
        made_of=lambda wildcards: [KEYS.run(run) for run in runs_on(wildcards.dataset)],
        code=KEYS.of_all_runs("curves"),
    message:
        "Drawing the loss curves of {wildcards.dataset}"
    script:
        "../scripts/curves.py"


rule tables:
    input:
        expand(
            TABLES / "{table}.{ending}",
            table=TABLE_FILES,
            ending=["csv", "tex", "md", "html"],
        ),


rule figures:
    input:
        expand(
            FIGURES / "{figure}.{ending}",
            figure=FIGURE_FILES,
            ending=["pdf", "png", "csv", "tex"],
        ),


rule curves:
    input:
        expand(
            FIGURES / "curves-{dataset}.{ending}",
            dataset=TRAINED,
            ending=["pdf", "png", "csv"],
        ),
