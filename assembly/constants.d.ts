/** Whether the kernels are compiled for the fast module (asconfig.json): fused multiply-adds where the machine has them. */
declare const FAST: bool;
/** Whether the module stands alone (assembly/solo.ts): one thread, a memory of its own, no atomics. */
declare const SOLO: bool;
