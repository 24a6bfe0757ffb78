import { COMPUTE, type DType, FLOAT } from '../base/dtype.ts';
import { DTypeError, ShapeError } from '../base/errors.ts';
import { channelsLastStrides, type Shape, sameShape, show } from '../base/shape.ts';
import { FLOATS, geometry, INTS, lowerProduct, lowerWeight, MOVEMENT, type Movement, SIZES, type Sizes } from './conv-steps.ts';
import { kernel, type Meta, type Op } from './op.ts';

/** The geometry of a gradient: dy must have the shape that the convolution gives. */
function backwardGeometry(op: string, dy: Shape, x: Shape, w: Shape, attrs: Movement): void {
  const { y } = geometry(op, x, w, attrs);
  if (!sameShape(dy, y))
    throw new ShapeError(`${op}: dy ${show(dy)} does not fit: a convolution of ${show(x)} with weight ${show(w)} gives ${show(y)}`);
}

function checkTypes(op: string, inputs: readonly (Meta | null | undefined)[]): DType {
  const dtype = (inputs[0] as Meta).dtype;
  if (!FLOAT.includes(dtype)) throw new DTypeError(`${op}: ${dtype} is not supported, only floating point; convert with .to('float32')`);
  for (const x of inputs)
    if (x && x.dtype !== dtype)
      throw new DTypeError(`${op}: operands must have one dtype, not ${dtype} and ${x.dtype}; convert one with .to('${dtype}')`);
  return dtype;
}

const channelsLast = (shape: Shape, dtype: DType): { shape: Shape; dtype: DType; strides: Shape } => ({
  shape,
  dtype,
  strides: channelsLastStrides(shape),
});
const movement = ({ stride, padding, paddingEnd, dilation, groups }: Movement): Movement => ({
  stride,
  padding,
  paddingEnd,
  dilation,
  groups,
});
const withInput = (attrs: Movement, x: Shape): Movement & { inputSize: Sizes } => ({ ...movement(attrs), inputSize: x.slice(2) });
const withKernel = (attrs: Movement, w: Shape): Movement & { kernelSize: Sizes } => ({ ...movement(attrs), kernelSize: w.slice(2) });
const imageOf = (dy: Shape, w: Shape, attrs: Movement & { inputSize: Sizes }): Shape => [
  dy[0],
  (w[1] ?? 0) * (attrs.groups ?? 1),
  ...attrs.inputSize,
];
const weightOf = (dy: Shape, x: Shape, attrs: Movement & { kernelSize: Sizes }): Shape => [
  dy[1],
  Math.floor(x[1] / (attrs.groups ?? 1)),
  ...attrs.kernelSize,
];

/** Cross-correlation of x [N, C, ...image] with w [O, C / groups, ...kernel], one to three dimensions, plus bias [O]; channels-last inside and out. */
export const convolution: Op = kernel({
  doc: 'Convolution (cross-correlation, as in PyTorch) in one to three dimensions with zero padding; an activation may be fused.',
  onnx: 'Conv',
  inputs: ['x', 'w', 'bias?'],
  outputs: ['y'],
  attrs: MOVEMENT,
  infer: ([x, w, bias], attrs: Movement) => {
    const dtype = checkTypes('convolution', [x, w, bias]);
    const g = geometry('convolution', x.shape, w.shape, attrs);
    if (bias && (bias.shape.length !== 1 || bias.shape[0] !== w.shape[0]))
      throw new ShapeError(`convolution: bias ${show(bias.shape)} does not fit weight ${show(w.shape)}: it needs shape [${w.shape[0]}]`);
    return [channelsLast(g.y, dtype)];
  },
  loads: ([x]) => COMPUTE[x.dtype],
  layout: ['channelsLast', 'contiguous', 'contiguous'],
  ints: INTS,
  floats: FLOATS,
  lower: ([x, w], [y], attrs: Movement) =>
    lowerProduct(geometry('convolution', (x as Meta).shape, (w as Meta).shape, attrs), y.dtype, false, attrs.activation),
  kernel: { file: 'conv/conv', name: 'convolution' },
  tiled: true,
  activations: () => ['relu', 'relu6'],
  affine: { weight: 1, bias: 2 },
  saves: ['x', 'w'],
  uses: { x: [1], w: [0] },
  vjp: (ops, { dy, x, w, attrs, inputs, needs }) => [
    needs[0] ? ops.convolutionInput(dy, w, withInput(attrs, (inputs[0] as Meta).shape)) : null,
    needs[1] ? ops.convolutionWeight(dy, x, withKernel(attrs, (inputs[1] as Meta).shape)) : null,
    inputs[2] && needs[2] ? ops.sum(dy, { dims: [0, ...dy.shape.keys()].filter((d, i) => i === 0 || d > 1), keepdim: false }) : null,
  ],
});

/** The gradient of a convolution with respect to x, and the transposed convolution: dy [N, O, ...out], w [O, C / groups, ...kernel] to [N, C, ...inputSize]. */
export const convolutionInput: Op = kernel({
  doc: 'Gradient of a convolution with respect to its input; also the transposed convolution.',
  inputs: ['grad', 'w'],
  outputs: ['dx'],
  attrs: { ...MOVEMENT, inputSize: SIZES },
  infer: ([dy, w], attrs: Movement & { inputSize: Sizes }) => {
    const dtype = checkTypes('convolutionInput', [dy, w]);
    const x = imageOf(dy.shape, w.shape, attrs);
    backwardGeometry('convolutionInput', dy.shape, x, w.shape, attrs);
    return [channelsLast(x, dtype)];
  },
  loads: ([dy]) => COMPUTE[dy.dtype],
  layout: ['channelsLast', 'contiguous'],
  ints: INTS,
  floats: FLOATS,
  lower: ([, w], [dx], attrs: Movement) => lowerProduct(geometry('convolutionInput', dx.shape, (w as Meta).shape, attrs), dx.dtype, true),
  kernel: { file: 'conv/conv', name: 'convolutionInput' },
  saves: ['grad', 'w'],
  vjp: (ops, { dy, grad, w, attrs, inputs, needs }) => [
    needs[0] ? ops.convolution(dy, w, null, movement(attrs)) : null,
    needs[1] ? ops.convolutionWeight(grad, dy, withKernel(attrs, (inputs[1] as Meta).shape)) : null,
  ],
});

/** The gradient of a convolution with respect to its weight: dy [N, O, ...out], x [N, C, ...image] to [O, C / groups, ...kernelSize]. */
export const convolutionWeight: Op = kernel({
  doc: 'Gradient of a convolution with respect to its weight.',
  inputs: ['grad', 'x'],
  outputs: ['dw'],
  attrs: { ...MOVEMENT, kernelSize: SIZES },
  infer: ([dy, x], attrs: Movement & { kernelSize: Sizes }) => {
    const dtype = checkTypes('convolutionWeight', [dy, x]);
    const w = weightOf(dy.shape, x.shape, attrs);
    backwardGeometry('convolutionWeight', dy.shape, x.shape, w, attrs);
    return [{ shape: w, dtype }];
  },
  loads: ([dy]) => COMPUTE[dy.dtype],
  layout: 'channelsLast',
  ints: INTS,
  floats: FLOATS,
  lower: ([, x], [dw], attrs: Movement) => lowerWeight(geometry('convolutionWeight', (x as Meta).shape, dw.shape, attrs), dw.dtype),
  kernel: { file: 'conv/conv', name: 'convolutionWeight' },
  saves: ['grad', 'x'],
  vjp: (ops, { dy, grad, x, attrs, inputs, needs }) => [
    needs[0] ? ops.convolution(x, dy, null, movement(attrs)) : null,
    needs[1] ? ops.convolutionInput(grad, dy, withInput(attrs, (inputs[1] as Meta).shape)) : null,
  ],
});
