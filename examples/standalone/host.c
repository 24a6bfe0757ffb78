/* A host for a module of `wick export`, compiled by wasm2c: for machines that have a C compiler and no WebAssembly runtime.
 * Reads the inputs from standard input and writes the outputs to standard output, raw elements, until there is no more input.
 *   wick export model.wick -o model.wasm
 *   wasm2c model.wasm -n model -o model.c
 *   cc -O2 -ffp-contract=off model.c host.c $RT/wasm-rt-impl.c $RT/wasm-rt-mem-impl.c -I. -I$RT -lm -o model
 * where RT is wabt's folder wasm2c (/usr/src/wasm2c in Debian's package wabt), and simde is installed beside it (libsimde-dev).
 * -ffp-contract=off: without it compilers may round a product and a sum once instead of twice, and the bits are no longer wick's. */
#include <stdio.h>
#include "model.h"

/* Moves bytes between the module's memory and standard input or output; how many. */
static u32 move(w2c_model* m, int out, u32 address, u32 bytes) {
  u8* p = w2c_model_memory(m)->data + address;
  return (u32)(out ? fwrite(p, 1, bytes, stdout) : fread(p, 1, bytes, stdin));
}

int main(void) {
  w2c_model m;
  u32 i, bytes, got, status;
  wasm_rt_init();
  wasm2c_model_instantiate(&m);
  do {
    for (i = 0; i < w2c_model_inputs(&m); i++) {
      bytes = w2c_model_input_bytes(&m, i);
      got = move(&m, 0, w2c_model_input_address(&m, i), bytes);
      if (got < bytes) return i == 0 && got == 0 ? 0 : 65;
    }
    status = w2c_model_run(&m);
    if (status != 0) {
      fprintf(stderr, "model: index %d is out of range\n", (int)w2c_model_error_detail(&m));
      return 70;
    }
    for (i = 0; i < w2c_model_outputs(&m); i++) move(&m, 1, w2c_model_output_address(&m, i), w2c_model_output_bytes(&m, i));
    fflush(stdout);
  } while (w2c_model_inputs(&m) > 0);
  return 0;
}
