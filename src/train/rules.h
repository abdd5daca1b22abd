/* What applies to single tensors: their share of the learning rate, their decay, and whether they
 * move at all. */
#ifndef NINP_TRAIN_RULES_H
#define NINP_TRAIN_RULES_H

#include <nin/train.h>

typedef struct ninp_tensor_rule {
    float lr_scale;
    float weight_decay;
    bool frozen;
} ninp_tensor_rule;

/* Settles weight_decay, decay_all, lr_scale, decay_scale and freeze for each trainable tensor of
 * the net. *out has one rule a trainable tensor, in the net's order; release with free.
 * NIN_ERROR_ARGUMENT: a list is malformed, or one of its patterns fits no tensor; the message names
 * the tensors there are. */
nin_status ninp_tensor_rules_create(const nin_train_options *options, const nin_net *net,
                                    ninp_tensor_rule **out, nin_error *err);

#endif
