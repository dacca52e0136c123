# Archives → samples. Where archives come from and lie are functions of `output` or `input`, which Snakemake does not compare:
# moving them reruns nothing.


rule obtain_archives:
    output:
        record=RESULTS / "data/{dataset}.archives.json",
    log:
        LOGS / "obtain_archives/{dataset}.log",
    benchmark:
        BENCHMARKS / "obtain_archives/{dataset}.tsv"
    localrule: True  # nodes of a cluster seldom reach the network
    conda:
        "../../envs/base.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=120,
        gpu=0,
    params:
        **identity("obtain_archives"),
        addressed=lambda wildcards, output: source_of(wildcards).content(addresses=True),
        folder=archive_folder,
        inbox=lambda wildcards, output: str(LAYOUT.inbox),
    message:
        "Obtaining the archives of {wildcards.dataset}"
    script:
        "../scripts/obtain_archives.py"


rule prepare_samples:
    input:
        record=RESULTS / "data/{dataset}.archives.json",
        split=ancient(split_file),  # its lists count (`split_digest`), comments do not
    output:
        samples=RESULTS / "data/{dataset}.h5",
    log:
        LOGS / "prepare_samples/{dataset}.log",
    benchmark:
        BENCHMARKS / "prepare_samples/{dataset}.tsv"
    conda:
        "../../envs/base.yaml"
    threads: 1
    resources:
        mem_mb=times_attempt(4000),
        runtime=times_attempt(60),
        gpu=0,
    params:
        **identity("prepare_samples"),
        folder=archive_folder,
    message:
        "Preparing the samples of {wildcards.dataset}"
    script:
        "../scripts/prepare_samples.py"
