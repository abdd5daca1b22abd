#include "progress.h"

#include "terminal.h"
#include "text.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Seconds between two drawings on a terminal, and between two lines elsewhere: while the text
 * changes, and while the work is in one long step. */
static const double LIVE_PERIOD = 0.1;
static const double LINE_PERIOD = 10;
static const double STILL_PERIOD = 30;

enum { LONGEST_LINE = 400 };

struct cli_progress {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* only when it ends */
    bool has_thread, ended;
    bool live;
    char text[LONGEST_LINE];
    bool fresh;       /* the text is newer than what was printed */
    bool on_screen;   /* a live line stands on the terminal */
    double text_time; /* when the text was set */
    double line_time; /* when a line was last printed, or the start */
};

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* The bytes of UTF-8 text that fill at most `columns` columns. */
static int fitting_bytes(const char *text, int columns) {
    int bytes = 0;
    while (text[bytes]) {
        bool starts = ((unsigned char)text[bytes] & 0xc0) != 0x80;
        if (starts && columns-- == 0) {
            break;
        }
        bytes++;
    }
    return bytes;
}

static void remove_line(cli_progress *progress) {
    if (progress->on_screen) {
        fputs("\r\033[K", stderr);
        progress->on_screen = false;
    }
}

static void draw_live(cli_progress *progress) {
    if (!progress->fresh && progress->on_screen) {
        return;
    }
    int bytes = fitting_bytes(progress->text, cli_terminal_width() - 1);
    fprintf(stderr, "\r\033[K%.*s", bytes, progress->text);
    fflush(stderr);
    progress->on_screen = true;
    progress->fresh = false;
}

static void draw_line(cli_progress *progress) {
    double time = now();
    double quiet = time - progress->line_time;
    if (progress->fresh && quiet >= LINE_PERIOD) {
        fprintf(stderr, "%s\n", progress->text);
    } else if (quiet >= STILL_PERIOD) {
        fprintf(stderr, "%s (for %s)\n", progress->text,
                cli_duration(time - progress->text_time).text);
    } else {
        return;
    }
    progress->fresh = false;
    progress->line_time = time;
}

static void *run(void *context) {
    cli_progress *progress = context;
    pthread_mutex_lock(&progress->mutex);
    while (!progress->ended) {
        if (progress->live) {
            draw_live(progress);
        } else {
            draw_line(progress);
        }
        double until = now() + LIVE_PERIOD;
        struct timespec time = {.tv_sec = (time_t)until};
        time.tv_nsec = (long)((until - (double)time.tv_sec) * 1e9);
        pthread_cond_timedwait(&progress->changed, &progress->mutex, &time);
    }
    pthread_mutex_unlock(&progress->mutex);
    return NULL;
}

cli_progress *cli_progress_start(const char *text) {
    cli_progress *progress = cli_allocate(1, sizeof *progress);
    progress->live = cli_is_live();
    progress->text_time = now();
    progress->line_time = progress->text_time;
    progress->fresh = true;
    snprintf(progress->text, sizeof progress->text, "%s", text);

    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&progress->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&progress->mutex, NULL);
    if (!cli_is_quiet()) {
        progress->has_thread = pthread_create(&progress->thread, NULL, run, progress) == 0;
    }
    return progress;
}

void cli_progress_free(cli_progress *progress) {
    if (!progress) {
        return;
    }
    pthread_mutex_lock(&progress->mutex);
    progress->ended = true;
    pthread_cond_signal(&progress->changed);
    pthread_mutex_unlock(&progress->mutex);
    if (progress->has_thread) {
        pthread_join(progress->thread, NULL);
    }
    remove_line(progress);
    pthread_cond_destroy(&progress->changed);
    pthread_mutex_destroy(&progress->mutex);
    free(progress);
}

void cli_progress_set(cli_progress *progress, const char *format, ...) {
    char text[LONGEST_LINE];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    cli_make_printable(text);

    pthread_mutex_lock(&progress->mutex);
    if (strcmp(text, progress->text) != 0) {
        memcpy(progress->text, text, sizeof text);
        progress->fresh = true;
        progress->text_time = now();
    }
    pthread_mutex_unlock(&progress->mutex);
}

void cli_progress_note(cli_progress *progress, const char *format, ...) {
    if (cli_is_quiet()) {
        return;
    }
    va_list list;
    va_start(list, format);
    char *text = cli_format_list(format, list);
    va_end(list);
    cli_make_printable(text);

    pthread_mutex_lock(&progress->mutex);
    remove_line(progress);
    fprintf(stderr, "%s\n", text);
    progress->line_time = now();
    pthread_mutex_unlock(&progress->mutex);
    free(text);
}
