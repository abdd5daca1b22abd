/* nin: trains, evaluates and uses small image classifiers. One program, one command a task. */
#include "command.h"
#include "fail.h"
#include "terminal.h"

#include <stdio.h>
#include <string.h>

static const cli_command commands[] = {
    {"train", "train a net on pictures", cli_command_train},
    {"eval", "measure a model on a data set", cli_command_eval},
    {"predict", "say what is in a picture", cli_command_predict},
    {"summary", "list a net's layers, shapes, parameters and work", cli_command_summary},
    {"compare", "set nets side by side: size, work, speed, accuracy", cli_command_compare},
    {"study", "train with many seeds and count how the runs end", cli_command_study},
    {"reproduce", "run tables and figures of the paper again", cli_command_reproduce},
    {"data", "list, look at and fetch data sets", cli_command_data},
    {"bench", "measure speed", cli_command_bench},
    {"doctor", "look at what this build and this machine have", cli_command_doctor},
    {"help", "explain a command", cli_command_help},
};

const cli_command *cli_command_at(size_t index) {
    return index < sizeof commands / sizeof commands[0] ? &commands[index] : NULL;
}

const cli_command *cli_command_find(const char *name) {
    for (size_t i = 0; cli_command_at(i); i++) {
        if (strcmp(cli_command_at(i)->name, name) == 0) {
            return cli_command_at(i);
        }
    }
    return NULL;
}

static int run(int argc, char **argv) {
    if (argc < 2) {
        return cli_fail_with(CLI_USAGE, "it needs a command; 'nin help' lists them");
    }
    const char *word = argv[1];
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        printf("nin %s\n", nin_version());
        return CLI_DONE;
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        return cli_command_help(1, argv + 1);
    }
    if (word[0] == '-') {
        return cli_fail_with(CLI_USAGE,
                             "there is no option %s before the command; 'nin help' explains", word);
    }
    const cli_command *command = cli_command_find(word);
    return command ? command->run(argc - 1, argv + 1) : cli_unknown_command(word);
}

int main(int argc, char **argv) {
    cli_guard_streams();
    cli_terminal_setup();
    int code = run(argc, argv);
    cli_finish_output();
    return code;
}
