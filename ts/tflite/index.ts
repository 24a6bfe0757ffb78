// wick/tflite: TensorFlow Lite models, with the integer arithmetic of its reference kernels.
import { registerFormat } from '../formats/load.ts';
import { readModel } from './model.ts';
import './ops-elementwise.ts';
import './ops-shape.ts';
import './ops-gather.ts';
import './ops-reduce.ts';
import './ops-conv.ts';
import './ops-activation.ts';
import './ops-control.ts';
import './ops-recurrent.ts';

registerFormat({ from: 'wick/tflite', read: readModel });

export { implemented } from './call.ts';
export { type CustomCall, registerCustom } from './custom.ts';
export { TFLiteModel, type TFLitePort, type Traced } from './model.ts';
