#include "speed.h"

#include "text.h"

#include <stdlib.h>

/* Even noise in [0, 1), from a linear congruential generator (Knuth, MMIX). */
static void fill_noise(float *values, size_t count) {
    uint64_t state = 1;
    for (size_t i = 0; i < count; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        values[i] = (float)(state >> 40) * 0x1p-24F;
    }
}

nin_status cli_speed_open(nin_net *net, const nin_session_options *options, cli_speed *out,
                          nin_error *err) {
    *out = (cli_speed){.net = net};
    nin_status status = nin_session_create(net, options, &out->session, err);
    if (status != NIN_OK) {
        return status;
    }
    nin_shape input = nin_net_input(net);
    size_t classes = (size_t)nin_net_output(net).channels;
    size_t batch = (size_t)options->batch;
    size_t pixels = (size_t)input.channels * (size_t)input.height * (size_t)input.width;
    out->images = cli_allocate(batch * pixels, sizeof *out->images);
    out->labels = cli_allocate(batch, sizeof *out->labels);
    if (options->training) {
        out->gradients = cli_allocate(nin_net_parameter_count(net), sizeof *out->gradients);
    } else {
        out->logits = cli_allocate(batch * classes, sizeof *out->logits);
    }
    fill_noise(out->images, batch * pixels);
    for (size_t i = 0; i < batch; i++) {
        out->labels[i] = (int32_t)(i % classes);
    }
    out->examples =
        (nin_examples){.images = out->images, .labels = out->labels, .count = options->batch};
    return NIN_OK;
}

void cli_speed_close(cli_speed *speed) {
    nin_session_free(speed->session);
    free(speed->images);
    free(speed->labels);
    free(speed->gradients);
    free(speed->logits);
    *speed = (cli_speed){0};
}

/* Plain SGD on all threads, as training does it. */
static void update(const cli_speed *speed) {
    const float rate = 1e-6F;
    float *weights = nin_net_tensor(speed->net, 0).values;
    size_t count = nin_net_parameter_count(speed->net);
#pragma omp parallel for num_threads(nin_session_get_info(speed->session).threads) schedule(static)
    for (size_t i = 0; i < count; i++) {
        weights[i] -= rate * speed->gradients[i];
    }
    nin_session_weights_changed(speed->session);
}

nin_status cli_speed_step(cli_speed *speed, nin_error *err) {
    if (speed->logits) {
        return nin_session_logits(speed->session, speed->images, speed->examples.count,
                                  speed->logits, err);
    }
    nin_loss loss;
    nin_status status =
        nin_session_gradients(speed->session, &speed->examples, speed->gradients, &loss, err);
    speed->examples.step++;
    if (status == NIN_OK) {
        update(speed);
    }
    return status;
}
