# Archives → samples. What decides them are parameters as they are; where they come from and lie are functions of `output` or
# `input`, for which Snakemake runs nothing again.


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
        wanted=lambda wildcards: source_of(wildcards).content(),
        source=lambda wildcards, output: source_of(wildcards).content(addresses=True),
        code=lambda wildcards: KEYS.code("obtain_archives", wildcards.dataset),
        folder=archive_folder,
        inbox=lambda wildcards, output: str(LAYOUT.inbox),
        twin=twin_settings,
    message:
        "Obtaining the archives of {wildcards.dataset}"
    script:
        "../scripts/obtain_archives.py"


rule prepare_samples:
    input:
        record=RESULTS / "data/{dataset}.archives.json",
        split=split_file,
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
        mem_mb=growing(4000),
        runtime=growing(60),
        gpu=0,
    params:
        source=lambda wildcards: source_of(wildcards).content(),
        made_of=lambda wildcards: KEYS.archives(wildcards.dataset),
        code=lambda wildcards: KEYS.code("prepare_samples", wildcards.dataset),
        folder=archive_folder,
        allow_missing=lambda wildcards: wildcards.dataset
        in PROJECT.config.allow_missing,
    message:
        "Preparing the samples of {wildcards.dataset}"
    script:
        "../scripts/prepare_samples.py"
