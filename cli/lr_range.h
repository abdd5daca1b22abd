/* nin train --find-lr: the learning rate range test, its files and what it tells. */
#ifndef CLI_LR_RANGE_H
#define CLI_LR_RANGE_H

#include <nin/train.h>

/* Does the test, shows how far it is, writes lr-range.json, lr-range.png and lr-range.svg into the
 * task's directory (which is there), and prints the suggestion, with `json` as an object. Gives the
 * exit code. */
int cli_lr_range(const nin_train_task *task, const nin_lr_range_options *options, bool json);

#endif
