# Scores → tables, figures.


for table in [*PROJECT.tables, *PROJECT.tables_on_request]:

    rule:
        name:
            table
        input:
            files_for("table", table),
        output:
            csv=TABLES / f"{table}.csv",
            tex=TABLES / f"{table}.tex",
            md=TABLES / f"{table}.md",
            html=report_entry(table, TABLES / f"{table}.html"),
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
            **identity("table", table),
        message:
            f"Setting {table}"
        script:
            "../scripts/table.py"


for figure in [*PROJECT.figures, *PROJECT.figures_on_request]:

    rule:
        name:
            figure
        input:
            files_for("figure", figure),
        output:
            pdf=FIGURES / f"{figure}.pdf",
            png=report_entry(figure, FIGURES / f"{figure}.png"),
            csv=FIGURES / f"{figure}.csv",
            tex=FIGURES / f"{figure}.tex",
        log:
            LOGS / f"{figure}.log",
        benchmark:
            BENCHMARKS / f"{figure}.tsv"
        conda:
            "../../envs/torch.yaml"
        threads: PROJECT.scale.threads if PROJECT.experiments[figure].device else 1
        resources:
            mem_mb=times_attempt(4000),
            runtime=times_attempt(30),
            gpu=gpus if PROJECT.experiments[figure].device else 0,
        params:
            **identity("figure", figure),
        message:
            f"Drawing {figure}"
        script:
            "../scripts/figure.py"


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
                source_of(wildcards).rank
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
        **identity("loss_curves"),
    message:
        "Drawing the loss curves of {wildcards.dataset}"
    script:
        "../scripts/curves.py"


rule tables:
    input:
        expand(
            TABLES / "{table}.{ending}",
            table=PROJECT.tables,
            ending=["csv", "tex", "md", "html"],
        ),


rule figures:
    input:
        expand(
            FIGURES / "{figure}.{ending}",
            figure=PROJECT.figures,
            ending=["pdf", "png", "csv", "tex"],
        ),


rule curves:
    input:
        expand(
            FIGURES / "curves-{dataset}.{ending}",
            dataset=TRAINED,
            ending=["pdf", "png", "csv"],
        ),


# Targets with the name of a scale: its own tables, figures and claims, and the call has this scale.
for scale in PROJECT.scales_on_request:

    rule:
        name:
            scale
        input:
            [
                TABLES / f"{table}.{ending}"
                for table in PROJECT.of_scale(scale, PROJECT.tables_on_request)
                for ending in ("csv", "tex", "md", "html")
            ],
            [
                FIGURES / f"{figure}.{ending}"
                for figure in PROJECT.of_scale(scale, PROJECT.figures_on_request)
                for ending in ("pdf", "png", "csv", "tex")
            ],
            [
                TABLES / f"{PROJECT.claims_name(table)}.{ending}"
                for table in PROJECT.of_scale(scale, PROJECT.tables_with_claims)
                for ending in ("csv", "tex", "md", "html")
            ],
