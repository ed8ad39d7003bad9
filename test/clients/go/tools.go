//go:build tools

// What the build runs: here, so that go.sum has it.
package main

import _ "google.golang.org/protobuf/cmd/protoc-gen-go"
