// The structs of ONNX's messages, and protobuf-c's descriptions of their fields.
//
// onnx.pb-c.c and onnx.pb-c.h are generated; edit Schemas/onnx.proto and run
//   protoc-c --proto_path=Schemas --c_out=Sources/COnnxProto onnx.proto
//   mv Sources/COnnxProto/onnx.pb-c.h Sources/COnnxProto/include/
#ifndef CONNXPROTO_H
#define CONNXPROTO_H

#include "onnx.pb-c.h"

// Swift copies an imported constant before it takes its address, but descriptors are compared by address.
static inline const ProtobufCMessageDescriptor *onnx_model_descriptor(void) {
    return &onnx__model_proto__descriptor;
}

static inline const ProtobufCMessageDescriptor *onnx_tensor_descriptor(void) {
    return &onnx__tensor_proto__descriptor;
}

#endif
