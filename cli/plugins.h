/* Where the program's plug-ins are, and where it keeps what they find out. */
#ifndef CLI_PLUGINS_H
#define CLI_PLUGINS_H

/* The directory for nin_session_options.plugins: $NIN_PLUGIN_PATH, unless the program runs with
 * more rights than its caller; else the program's own directory, as in a build tree, or the library
 * directory that was installed beside it, where the engine is there. NULL: the one that the library
 * knows. Settled by the first call. */
const char *cli_plugins(void);

/* The directory for nin_session_options.cache: $XDG_CACHE_HOME/nin or ~/.cache/nin; NULL: neither,
 * or the program has more rights than its caller. Settled by the first call. */
const char *cli_cache(void);

#endif
