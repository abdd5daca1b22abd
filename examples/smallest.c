#include <nin/nin.h>
#include <stdio.h>

int main(void) {
    nin_error err = {0};
    nin_model model = {0};
    nin_image picture = {0};
    nin_session *session = NULL;
    static float input[224 * 224], logits[10];
    if (nin_model_load("best.safetensors", false, &model, &err) == NIN_OK &&
        nin_image_read_png("picture.png", &picture, &err) == NIN_OK &&
        nin_session_create(model.net, NULL, &session, &err) == NIN_OK &&
        nin_preprocess_image(&model.preprocess, &picture, input, &err) == NIN_OK &&
        nin_session_logits(session, input, 1, logits, &err) == NIN_OK) {
        for (int c = 0; c < 10; c++) {
            printf("%-12s %g\n", model.class_names[c], (double)logits[c]);
        }
    }
    nin_session_free(session);
    nin_image_free(&picture);
    nin_model_free(&model);
    return err.status ? (fprintf(stderr, "%s\n", err.message), 1) : 0;
}
