// What shaders of the device in use may do beyond WGSL's core.
import type { DType } from '../ts/base/dtype.ts';

/** Whether they have 16-bit floats, and lanes of a subgroup that exchange values in the order of their numbers. */
const able = { halves: false, subgroups: false };

/** Sets what the device can. */
export function useFeatures(device: GPUDevice, subgroups: boolean): void {
  able.halves = device.features.has('shader-f16');
  able.subgroups = subgroups;
}
/** Whether a dtype is an array of 16-bit floats, rounded and widened where it is stored and read; else two are packed in a word. */
export const isHalf = (dtype: DType): boolean => able.halves && dtype === 'float16';
export const hasSubgroups = (): boolean => able.subgroups;

const PROBE = `enable subgroups;
@group(0) @binding(0) var<storage, read_write> wrong: atomic<u32>;
@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) member: u32, @builtin(subgroup_invocation_id) lane: u32, @builtin(subgroup_size) size: u32) {
  let first = subgroupBroadcastFirst(member);
  if (first + lane != member || first % size != 0u || size > 64u) { atomicAdd(&wrong, 1u); }
}`;
/** Whether subgroups are runs of a workgroup's lanes, which WGSL leaves open: one dispatch tells. */
export async function subgroupsInOrder(device: GPUDevice): Promise<boolean> {
  // Not every runtime's types know the feature.
  if (!(device.features as unknown as ReadonlySet<string>).has('subgroups')) return false;
  device.pushErrorScope('validation');
  const result = device.createBuffer({ size: 4, usage: 0x80 | 0x4 });
  const staging = device.createBuffer({ size: 4, usage: 0x1 | 0x8 });
  try {
    const compute = { module: device.createShaderModule({ code: PROBE }), entryPoint: 'main' };
    const pipeline = device.createComputePipeline({ layout: 'auto', compute });
    const group = device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [{ binding: 0, resource: { buffer: result } }],
    });
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(4);
    pass.end();
    encoder.copyBufferToBuffer(result, 0, staging, 0, 4);
    device.queue.submit([encoder.finish()]);
    if ((await device.popErrorScope()) !== null) return false;
    await staging.mapAsync(1);
    return new Uint32Array(staging.getMappedRange())[0] === 0;
  } finally {
    result.destroy();
    staging.destroy();
  }
}
