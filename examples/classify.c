/* Classifies a picture with a trained model: classify MODEL.safetensors PICTURE.png */
#include <nin/nin.h>

#include <stdio.h>
#include <stdlib.h>

/* The whole use of a model; the caller prints. */
static nin_status classify(const char *model_path, const char *picture_path, nin_error *err) {
    nin_model model = {0};
    nin_image picture = {0};
    nin_session *session = NULL;
    float *input = NULL;
    float *logits = NULL;
    nin_status status = nin_model_load(model_path, false, &model, err);
    if (status == NIN_OK) {
        status = nin_image_read_png(picture_path, &picture, err);
    }
    if (status == NIN_OK) {
        status = nin_session_create(model.net, NULL, &session, err);
    }
    if (status == NIN_OK) {
        const nin_preprocess *size = &model.preprocess;
        int classes = nin_net_output(model.net).channels;
        input = malloc(sizeof *input * (size_t)size->channels * (size_t)size->height *
                       (size_t)size->width);
        logits = malloc(sizeof *logits * (size_t)classes);
        status =
            input && logits ? nin_preprocess_image(size, &picture, input, err) : NIN_ERROR_MEMORY;
        if (status == NIN_OK) {
            status = nin_session_logits(session, input, 1, logits, err);
        }
        if (status == NIN_OK) {
            nin_softmax(logits, classes, logits);
        }
        for (int c = 0; status == NIN_OK && c < classes; c++) {
            printf("%6.2f %%  %s\n", 100.0 * (double)logits[c], model.class_names[c]);
        }
    }
    free(logits);
    free(input);
    nin_session_free(session);
    nin_image_free(&picture);
    nin_model_free(&model);
    return status;
}

int main(int argc, char **argv) {
    nin_error err = {0};
    if (argc != 3) {
        fprintf(stderr, "usage: classify MODEL.safetensors PICTURE.png\n");
        return 2;
    }
    if (classify(argv[1], argv[2], &err) != NIN_OK) {
        fprintf(stderr, "classify: %s\n", err.message);
        return 1;
    }
    return 0;
}
