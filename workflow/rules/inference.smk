# Model → affinities of the test images.


rule predict:
    input:
        model=RESULTS / "runs/{dataset}/{run}/model.pt",
        samples=RESULTS / "data/{dataset}.h5",
    output:
        affinities=temp(RESULTS / "runs/{dataset}/{run}/affinities.h5"),
    log:
        LOGS / "predict/{dataset}/{run}.log",
    benchmark:
        BENCHMARKS / "predict/{dataset}/{run}.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: PROJECT.scale.threads
    resources:
        mem_mb=times_attempt(4000),
        runtime=times_attempt(30),
        gpu=gpus,
    params:
        **identity("predict"),
    message:
        "Predicting the test images of {wildcards.dataset} with {wildcards.run}"
    script:
        "../scripts/predict.py"


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
