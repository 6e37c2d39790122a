"""Makes the artifacts that `nlu` opens: from published weights to a small, checked ONNX folder.

    python3 -m models.pipeline --help

Stages, in order; each is one module and one command, and leaves its result in models/.work:

    fetch       the published weights and tokenizer, pinned by sha256
    prune       the vocabulary to the pieces of pieces.txt
    dequantise  the 4-bit weights to float32
    export      the float32 network as ONNX: the reference that int8 is measured against
    quantise    the same network with int8 weights: model.onnx
    golden      a few texts with their token ids and embeddings, for the Rust side to agree with
    evaluate    few-shot intent accuracy of the embeddings, float32 beside int8
    manifest    the artifact folder with sizes, sources, licence and sha256

Left out: the intent head. It is fitted in Rust from a pack's examples, not here.
"""
