//! Compiles the contract without protoc, keeps its descriptor set for gRPC reflection, and gives every
//! message its protobuf JSON form under the field names of the contract.
use std::{env, error::Error, fs, path::PathBuf};

use prost::Message;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=qingting");
    let files = protox::compile(["qingting/v1/qingting.proto"], ["."])?;
    let descriptors = files.encode_to_vec();
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), &descriptors)?;
    tonic_prost_build::configure().compile_fds(files)?;
    pbjson_build::Builder::new()
        .register_descriptors(&descriptors)?
        .preserve_proto_field_names()
        .emit_fields()
        .build(&[".qingting.v1"])?;
    Ok(())
}
