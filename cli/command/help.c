/* nin help: the commands, or one of them. */
#include "../command.h"
#include "../fail.h"
#include "../table.h"

#include <stdio.h>

static void list_commands(void) {
    puts("Usage: nin COMMAND [OPTION...]\n"
         "Trains, evaluates and uses small image classifiers.\n");
    cli_table *table = cli_table_create("ll");
    for (size_t i = 0; cli_command_at(i); i++) {
        cli_table_add_styled(table, CLI_BOLD, "%s", cli_command_at(i)->name);
        cli_table_add(table, "%s", cli_command_at(i)->summary);
    }
    cli_table_print(table, stdout, 2);
    cli_table_free(table);
    puts("\nnin help COMMAND explains one of them, nin --version says which nin this is.\n"
         "\n"
         "To begin:\n"
         "  nin train --recipe quick      learn Fashion-MNIST in minutes\n"
         "  nin train --recipe lecture    the run of the lecture, at full size\n"
         "  nin train --data drawn --model lenet\n"
         "                                no data at hand: the program draws its own");
}

int cli_command_help(int argc, char **argv) {
    cli_line line = cli_line_create();
    line.name = "help";
    line.arguments = "[COMMAND]";
    line.doc = "Explain a command, or list all of them.";
    line.most = 1;
    cli_line_parse(&line, argc, argv);
    int code = CLI_DONE;
    if (line.word_count == 0) {
        list_commands();
    } else {
        const cli_command *command = cli_command_find(line.words[0]);
        char help[] = "--help";
        char *words[] = {line.words[0], help, NULL};
        code = command ? command->run(2, words) : cli_unknown_command(line.words[0]);
    }
    cli_line_free(&line);
    return code;
}
