/* Weights of one net in another: where fine-tuning starts. */
#ifndef NINP_NET_TRANSFER_H
#define NINP_NET_TRANSFER_H

#include <nin/net.h>

/* Whether `net` can start from the weights of `from`: it has the tensors that `from` would have
 * with as many classes. NIN_ERROR_ARGUMENT names the first tensor that does not fit. */
nin_status ninp_net_transfer_check(const nin_net *net, const nin_net *from, nin_error *err);

/* Copies all tensors but those whose shape depends on the number of classes and is another one. */
void ninp_net_transfer(nin_net *net, const nin_net *from);

#endif
