# Instances → scores.


rule score:
    input:
        labels=RESULTS / "runs/{dataset}/{run}/labels.h5",
        samples=RESULTS / "data/{dataset}.h5",
    output:
        scores=RESULTS / "runs/{dataset}/{run}/scores.csv",
    log:
        LOGS / "score/{dataset}/{run}.log",
    benchmark:
        BENCHMARKS / "score/{dataset}/{run}.tsv"
    conda:
        "../../envs/base.yaml"
    threads: 1
    resources:
        mem_mb=times_attempt(2000),
        runtime=times_attempt(15),
        gpu=0,
    params:
        **identity("score"),
    message:
        "Scoring {wildcards.run} on {wildcards.dataset}"
    script:
        "../scripts/score.py"
