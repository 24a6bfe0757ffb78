// The whole table: the core's rows and those that only networks and optimizers use, which come with wick/nn and wick/optim.
import * as attention from './attention.ts';
import * as conv from './conv.ts';
import * as loss from './loss.ts';
import * as norm from './norm.ts';
import * as pool from './pool.ts';
import * as recurrent from './recurrent.ts';
import { addFamilies } from './table.ts';
import * as update from './update.ts';

addFamilies({ conv, pool, norm, loss, attention, recurrent, update });

export { FAMILIES, TABLE } from './table.ts';
