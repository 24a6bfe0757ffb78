/** Whether the kernels are compiled for the fast module (asconfig.json): fused multiply-adds where the machine has them. */
declare const FAST: bool;
