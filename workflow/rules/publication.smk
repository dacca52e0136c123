# Tables, figures and claims → a page for the browser, a document to print.

import sys


# A rule around Snakemake's own report, so that it is made and renewed like every other file.
rule report:
    input:
        tables=expand(TABLES / "{table}.html", table=PROJECT.tables),
        figures=expand(FIGURES / "{figure}.png", figure=PROJECT.figures),
        curves=expand(FIGURES / "curves-{dataset}.png", dataset=TRAINED),
        claims=TABLES / "claims.html",
        descriptions=sorted(REPORT.glob("*.rst")),
        stylesheet=REPORT / "report.css",
    output:
        html=RESULTS / "report.html",
    log:
        LOGS / "report.log",
    benchmark:
        BENCHMARKS / "report.tsv"
    localrule: True
    conda:
        "../../envs/base.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
        gpu=0,
    params:
        **identity("report"),
        python=lambda wildcards, output: sys.executable,
        snakefile=lambda wildcards, output: workflow.main_snakefile,
    message:
        "Writing report.html: all tables, figures, loss curves and claims on one page"
    script:
        "../scripts/report.py"


rule document:
    input:
        tables=expand(TABLES / "{table}.tex", table=[*PROJECT.tables, "claims"]),
        figures=expand(
            FIGURES / "{figure}.{ending}",
            figure=PROJECT.figures,
            ending=["pdf", "tex"],
        ),
    output:
        tex=RESULTS / "reproduction.tex",
    log:
        LOGS / "document.log",
    benchmark:
        BENCHMARKS / "document.tsv"
    localrule: True
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
        gpu=0,
    params:
        **identity("document"),
    message:
        "Writing reproduction.tex"
    script:
        "../scripts/document.py"


rule pdf:
    input:
        source=RESULTS / "reproduction.tex",
        tables=expand(TABLES / "{table}.tex", table=[*PROJECT.tables, "claims"]),
        figures=expand(
            FIGURES / "{figure}.{ending}",
            figure=PROJECT.figures,
            ending=["pdf", "tex"],
        ),
    output:
        pdf=RESULTS / "reproduction.pdf",
    log:
        LOGS / "pdf.log",
    benchmark:
        BENCHMARKS / "pdf.tsv"
    localrule: True
    conda:
        "../../envs/base.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
        gpu=0,
    params:
        **identity("pdf"),
    message:
        "Typesetting reproduction.pdf"
    script:
        "../scripts/pdf.py"


# Models that ship with the software, each with a card and a picture.
for model in PROJECT.models:

    rule:
        name:
            model
        input:
            files_for("ship", model),
        output:
            model=LAYOUT.shipped(model),
            card=LAYOUT.shipped(model).with_suffix(".md"),
            picture=LAYOUT.shipped(model).with_suffix(".png"),
        log:
            LOGS / f"{model}.log",
        benchmark:
            BENCHMARKS / f"{model}.tsv"
        localrule: True
        conda:
            "../../envs/torch.yaml"
        threads: 1
        resources:
            mem_mb=2000,
            runtime=10,
            gpu=0,
        params:
            **identity("ship", model),
        message:
            f"Choosing {model} by validation scores"
        script:
            "../scripts/ship.py"


rule models:
    input:
        [
            LAYOUT.shipped(model).with_suffix(ending)
            for model in PROJECT.models
            for ending in (".pt", ".md", ".png")
        ],
