// A host for a module of `wick export` in Rust: cargo add wasmtime anyhow; cargo run -- model.wasm < x.raw > y.raw
use anyhow::{bail, Result};
use std::io::{stdin, stdout, Read, Write};
use wasmtime::{Engine, Instance, Module, Store};

fn main() -> Result<()> {
    let engine = Engine::default();
    let module = Module::from_file(&engine, std::env::args().nth(1).expect("which module?"))?;
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    let memory = instance.get_memory(&mut store, "memory").expect("a memory");
    let count = |store: &mut Store<()>, name: &str| -> Result<i32> {
        instance.get_typed_func::<(), i32>(&mut *store, name)?.call(&mut *store, ())
    };
    let place = |store: &mut Store<()>, kind: &str, i: i32| -> Result<std::ops::Range<usize>> {
        let mut ask = |what: &str| -> Result<usize> {
            let f = instance.get_typed_func::<i32, i32>(&mut *store, &format!("{kind}_{what}"))?;
            Ok(f.call(&mut *store, i)? as u32 as usize)
        };
        let (at, size) = (ask("address")?, ask("bytes")?);
        Ok(at..at + size)
    };
    for i in 0..count(&mut store, "inputs")? {
        let range = place(&mut store, "input", i)?;
        stdin().read_exact(&mut memory.data_mut(&mut store)[range])?;
    }
    if count(&mut store, "run")? != 0 {
        bail!("index {} is out of range", count(&mut store, "error_detail")?);
    }
    for i in 0..count(&mut store, "outputs")? {
        let range = place(&mut store, "output", i)?;
        stdout().write_all(&memory.data(&store)[range])?;
    }
    Ok(())
}
