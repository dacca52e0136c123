# Weights → affinities, in memory → instances of the test images, and the model with a card that says how to use it.


rule segment:
    input:
        weights=RESULTS / "runs/{dataset}/{run}/weights.pt",
        samples=RESULTS / "data/{dataset}.h5",
    output:
        model=RESULTS / "runs/{dataset}/{run}/model.pt",
        labels=RESULTS / "runs/{dataset}/{run}/labels.h5",
    log:
        LOGS / "segment/{dataset}/{run}.log",
    benchmark:
        BENCHMARKS / "segment/{dataset}/{run}.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: PROJECT.scale.threads
    resources:
        mem_mb=segmenting_mb,
        runtime=times_attempt(60),
        gpu=gpus,
    params:
        **identity("segment"),
    message:
        "Segmenting the test images of {wildcards.dataset} with {wildcards.run}"
    script:
        "../scripts/segment.py"
