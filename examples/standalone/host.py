# A host for a module of `wick export` in Python: pip install wasmtime; python host.py model.wasm < x.raw > y.raw
import sys
from wasmtime import Engine, Instance, Module, Store

engine = Engine()
store = Store(engine)
x = Instance(store, Module.from_file(engine, sys.argv[1]), []).exports(store)
memory = x["memory"]
for i in range(x["inputs"](store)):
    size = x["input_bytes"](store, i)
    data = sys.stdin.buffer.read(size)
    if len(data) < size:
        sys.exit("the input is too short")
    memory.write(store, data, x["input_address"](store, i))
if x["run"](store) != 0:
    sys.exit(f"index {x['error_detail'](store)} is out of range")
for i in range(x["outputs"](store)):
    start = x["output_address"](store, i)
    sys.stdout.buffer.write(memory.read(store, start, start + x["output_bytes"](store, i)))
