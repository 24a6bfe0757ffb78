// A host for a module of `wick export` in Go: go get github.com/bytecodealliance/wasmtime-go/v25; go run host.go model.wasm < x.raw > y.raw
package main

import (
	"io"
	"log"
	"os"

	"github.com/bytecodealliance/wasmtime-go/v25"
)

func main() {
	store := wasmtime.NewStore(wasmtime.NewEngine())
	module, err := wasmtime.NewModuleFromFile(store.Engine, os.Args[1])
	check(err)
	instance, err := wasmtime.NewInstance(store, module, nil)
	check(err)
	call := func(name string, args ...interface{}) int {
		result, err := instance.GetFunc(store, name).Call(store, args...)
		check(err)
		return int(uint32(result.(int32)))
	}
	memory := instance.GetExport(store, "memory").Memory()
	for i := 0; i < call("inputs"); i++ {
		at, size := call("input_address", i), call("input_bytes", i)
		_, err := io.ReadFull(os.Stdin, memory.UnsafeData(store)[at:at+size])
		check(err)
	}
	if call("run") != 0 {
		log.Fatalf("index %d is out of range", call("error_detail"))
	}
	for i := 0; i < call("outputs"); i++ {
		at, size := call("output_address", i), call("output_bytes", i)
		_, err := os.Stdout.Write(memory.UnsafeData(store)[at : at+size])
		check(err)
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
