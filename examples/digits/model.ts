// The network that reads digits.
import * as nn from '../../ts/nn/index.ts';

/** conv32 - conv64 - pool - dropout - dense128 - dropout - dense10, for pictures [n, 1, 8, 8]. */
export function makeModel(): nn.Sequential {
  return new nn.Sequential(
    new nn.Conv2d(1, 32, 3, { padding: 1 }),
    new nn.ReLU(),
    new nn.Conv2d(32, 64, 3, { padding: 1 }),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Dropout(0.25),
    new nn.Flatten(),
    new nn.Linear(64 * 4 * 4, 128),
    new nn.ReLU(),
    new nn.Dropout(0.5),
    new nn.Linear(128, 10),
  );
}
