//! The wire contract `qingting.v1`, generated from `qingting/v1/qingting.proto`, in binary and in JSON.
//!
//! It leaves out every conversion: `dialog::grpc` is the only place that knows both sides.

/// Messages, client and server of `qingting.v1`; messages are `serde` in protobuf's JSON form.
pub mod v1 {
    #![allow(missing_docs, unreachable_pub, clippy::all)]
    tonic::include_proto!("qingting.v1");
    include!(concat!(env!("OUT_DIR"), "/qingting.v1.serde.rs"));
}

/// The encoded `FileDescriptorSet`, for the reflection service.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
