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
        mem_mb=lambda wildcards, attempt: attempt
        * (4000 if rank_of(wildcards) == 2 else 12000),
        runtime=growing(30),
        gpu=0,
    params:
        segmenter=segmenter_settings,
        made_of=lambda wildcards: KEYS.affinities(run_named(wildcards)),
        code=lambda wildcards: KEYS.segmentation(wildcards.dataset, wildcards.segmenter),
    message:
        "Segmenting the test images of {wildcards.dataset} from {wildcards.run} ({wildcards.segmenter})"
    script:
        "../scripts/segment.py"
