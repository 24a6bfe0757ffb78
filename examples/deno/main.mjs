// Learns sin(x) in Deno, with threads and without a permission:
//   npm run build && cd examples/deno && deno run main.mjs
// deno.json beside this file maps 'wick' to the checkout; in a project of yours it says "wick": "npm:wick".
import * as wick from 'wick';
import * as nn from 'wick/nn';
import * as optim from 'wick/optim';

wick.manualSeed(1);
const x = wick.linspace(-3, 3, 64).reshape(64, 1);
const model = new nn.Sequential(new nn.Linear(1, 32), new nn.Tanh(), new nn.Linear(32, 1));
const adam = new optim.Adam(model.parameters(), { lr: 0.01 });
for (let step = 0; step < 1000; step++) {
  adam.zeroGrad();
  nn.functional.mseLoss(model.forward(x), x.sin()).backward();
  adam.step();
}
const { runtime, threads } = wick.info();
console.log(`${runtime}, ${threads.wanted} threads: sin(1) is about`, (await model.forward(wick.tensor([[1]])).item()).toFixed(3));
