# Affinities → instances.


rule segment:
    input:
        affinities=RESULTS / "runs/{dataset}/{run}/affinities.h5",
        samples=RESULTS / "data/{dataset}.h5",
    output:
        labels=RESULTS / "runs/{dataset}/{run}/labels-{segmenter}.h5",
    log:
        LOGS / "segment/{dataset}/{run}-{segmenter}.log",
    benchmark:
        BENCHMARKS / "segment/{dataset}/{run}-{segmenter}.tsv"
    conda:
        "../../envs/base.yaml"
    threads: PROJECT.scale.threads
    resources:
        mem_mb=segmenting_mb,
        runtime=times_attempt(30),
        gpu=0,
    params:
        **identity("segment"),
    message:
        "Segmenting the test images of {wildcards.dataset} from {wildcards.run} ({wildcards.segmenter})"
    script:
        "../scripts/segment.py"
