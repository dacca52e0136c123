# Models → inference times.


rule time_inference:
    input:
        model=RESULTS / "runs/{dataset}/{run}/model.pt",
        samples=RESULTS / "data/{dataset}.h5",
    output:
        timing=RESULTS / "runs/{dataset}/{run}/timing.csv",
    log:
        LOGS / "time_inference/{dataset}/{run}.log",
    benchmark:
        BENCHMARKS / "time_inference/{dataset}/{run}.tsv"
    priority: -1  # last, since nothing else runs meanwhile
    conda:
        "../../envs/torch.yaml"
    threads: all_cores  # alone on the machine, so that nothing else is timed with it
    resources:
        mem_mb=times_attempt(4000),
        runtime=times_attempt(30),
        gpu=gpus,
    params:
        **identity("time_inference"),
    message:
        "Timing {wildcards.run} on the test images of {wildcards.dataset}"
    script:
        "../scripts/time_inference.py"
