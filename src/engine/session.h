/* What the library itself asks of a session beside what nin/session.h offers everybody. */
#ifndef NINP_ENGINE_SESSION_H
#define NINP_ENGINE_SESSION_H

#include "engine/resident.h"

#include <nin/session.h>

/* Sets active[c] for every channel c of plan step `step` that gave anything but zero somewhere in
 * one of the first `pictures` pictures of the last call, and leaves the others alone. At most as
 * many pictures as that call had are looked at. The session must keep results, as those for
 * training do. Fast where channels are active: it looks no further than the first value that is.
 * Fails only where the device of the session does. */
nin_status ninp_session_mark_active(const nin_session *session, size_t step, int pictures,
                                    bool *active, nin_error *err);

/* A session's device that keeps pictures and weights; it is gone when the session is. */
typedef struct ninp_resident_device {
    const ninp_resident_functions *functions; /* NULL: the device keeps nothing */
    void *state;
    nin_session *session;
} ninp_resident_device;
ninp_resident_device ninp_session_resident(nin_session *session);

/* After a call of those functions: names the device in the message of a failure, and otherwise
 * notes that `count` pictures were computed, whose results can be asked for now. Returns status. */
nin_status ninp_resident_told(const ninp_resident_device *device, int count, nin_status status,
                              nin_error *err);

#endif
