// Finding a device, and saying why there is none.
import { DeviceError } from '../ts/base/errors.ts';
import { subgroupsInOrder, useFeatures } from './features.ts';

/** What `info().gpu` tells of the adapter. */
export interface AdapterInfo {
  readonly vendor: string;
  readonly architecture: string;
  readonly description: string;
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
}
const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeInvocationsPerWorkgroup',
] as const;
const WANTED = ['shader-f16', 'subgroups', 'timestamp-query'];

/** A device with the adapter's own limits, and what it is. @throws DeviceError that says what is missing */
export async function request(gpu: GPU | undefined): Promise<{ device: GPUDevice; adapter: AdapterInfo }> {
  const source = gpu ?? (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu;
  if (source === undefined)
    throw new DeviceError("gpu: this runtime has no WebGPU; in Node install the package 'webgpu' and pass gpu({ gpu: create([]) })");
  const adapter = await source.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null)
    throw new DeviceError('gpu: the runtime has WebGPU but no adapter; look for a graphics driver (Vulkan, Metal or D3D12), or use wasm');
  // Runtimes' types know different names.
  const features = adapter.features as unknown as ReadonlySet<string>;
  const requiredFeatures = WANTED.filter((f) => features.has(f)) as GPUFeatureName[];
  const requiredLimits = Object.fromEntries(LIMITS.map((l) => [l, adapter.limits[l]]));
  const device = await adapter.requestDevice({ requiredFeatures, requiredLimits });
  useFeatures(device, await subgroupsInOrder(device));
  const { vendor = '', architecture = '', description = '' } = adapter.info ?? {};
  return {
    device,
    adapter: { vendor, architecture, description, features: requiredFeatures, limits: requiredLimits },
  };
}
