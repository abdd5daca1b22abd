/* Steps of a run on a device that keeps pictures and weights: in place of the loader, of
 * ninp_trainer_learn and of the processor's optimizer. */
#ifndef NINP_TRAIN_RESIDENT_H
#define NINP_TRAIN_RESIDENT_H

#include "engine/resident.h"
#include "train/rules.h"

typedef struct ninp_trainer ninp_trainer;
typedef struct ninp_resident_run ninp_resident_run;

/* Sets trainer->resident where the session's device keeps pictures and weights, has room for them
 * and can do all that the run asks for; else it stays NULL, which is no failure. Everything else of
 * the trainer is ready: the device takes weights and what the optimizer keeps as they are now. */
nin_status ninp_resident_open(ninp_trainer *trainer, nin_error *err);
void ninp_resident_close(ninp_trainer *trainer);

/* Makes as many steps as may be made at once, one at least, and moves the state on by each of them
 * (ninp_trainer_record). Afterwards the net, the optimizer's arrays and the average are old, until:
 */
nin_status ninp_resident_advance(ninp_trainer *trainer, nin_error *err);

/* Brings them up to date. Also where nothing is resident. */
nin_status ninp_resident_fetch(ninp_trainer *trainer, nin_error *err);

/* What a device is told of a run. The first one: without arrays; `tensors` is room for one a
 * trainable tensor of the net, with its rule. The second one: step `number` of the run, from 0,
 * without its pictures. */
ninp_resident_update ninp_resident_update_of(const nin_train_options *options, const nin_net *net,
                                             const ninp_tensor_rule *rules,
                                             ninp_resident_tensor *tensors);
ninp_resident_step ninp_resident_step_of(const nin_train_options *options, uint64_t number,
                                         float lr);

#endif
