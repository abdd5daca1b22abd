/* Steps of training or prediction on made-up pictures, to be timed. */
#ifndef CLI_SPEED_H
#define CLI_SPEED_H

#include <nin/session.h>

/* A session for a net, and the batch that all its steps use. */
typedef struct cli_speed {
    nin_net *net;
    nin_session *session;
    nin_examples examples;
    float *images, *gradients, *logits;
    int32_t *labels;
} cli_speed;

/* Makes the session and the batch; options->training says which steps. Freed with cli_speed_close,
 * after a failure too. */
nin_status cli_speed_open(nin_net *net, const nin_session_options *options, cli_speed *out,
                          nin_error *err);
void cli_speed_close(cli_speed *speed);

/* One step: logits of the batch, or its gradients and an update of the weights, so small that the
 * net stays what it is. */
nin_status cli_speed_step(cli_speed *speed, nin_error *err);

#endif
