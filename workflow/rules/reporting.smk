# Scores → tables and figures.


rule table1:
    input:
        timings=of_runs("table1", "timing"),
    output:
        csv=TABLES / "table1.csv",
        tex=TABLES / "table1.tex",
        md=TABLES / "table1.md",
    log:
        LOGS / "table1.log",
    benchmark:
        BENCHMARKS / "table1.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
        gpu=0,
    params:
        plan=plan_of("table1"),
    message:
        "Setting Table I"
    script:
        "../scripts/table1.py"


rule table2:
    input:
        scores=of_runs("table2", "scores"),
    output:
        csv=TABLES / "table2.csv",
        tex=TABLES / "table2.tex",
        md=TABLES / "table2.md",
    log:
        LOGS / "table2.log",
    benchmark:
        BENCHMARKS / "table2.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
        gpu=0,
    params:
        plan=plan_of("table2"),
    message:
        "Setting Table II"
    script:
        "../scripts/table2.py"


rule figure2:
    input:
        predictions=of_runs("figure2", "labels", "scores"),
        samples=samples_of("figure2"),
    output:
        pdf=FIGURES / "figure2.pdf",
        png=FIGURES / "figure2.png",
        csv=FIGURES / "figure2.csv",
    log:
        LOGS / "figure2.log",
    benchmark:
        BENCHMARKS / "figure2.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
        gpu=0,
    params:
        plan=plan_of("figure2"),
    message:
        "Drawing Figure 2"
    script:
        "../scripts/figure2.py"


rule figure5:
    input:
        models=of_runs("figure5", "model", "scores"),
        samples=samples_of("figure5"),
    output:
        pdf=FIGURES / "figure5.pdf",
        png=FIGURES / "figure5.png",
        csv=FIGURES / "figure5.csv",
    log:
        LOGS / "figure5.log",
    benchmark:
        BENCHMARKS / "figure5.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: PROJECT.scale.threads
    resources:
        mem_mb=4000,
        runtime=30,
        gpu=GPUS,
    params:
        plan=plan_of("figure5"),
        device=PROJECT.config.device,
    message:
        "Drawing Figure 5"
    script:
        "../scripts/figure5.py"


rule tables:
    input:
        rules.table1.output,
        rules.table2.output,


rule figures:
    input:
        rules.figure2.output,
        rules.figure5.output,
