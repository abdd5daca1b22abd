/* Pictures of a data set on a device that keeps them, in place of a loader that prepares them. */
#ifndef NINP_TRAIN_HELD_H
#define NINP_TRAIN_HELD_H

#include "data/loader.h"
#include "engine/session.h"

/* Whether a device can do what the loader does: not contrast normalisation and whitening. */
bool ninp_held_fits(const nin_loader *loader);

/* Copies all pictures of the loader's data set to the device. NIN_ERROR_MEMORY: it has no room for
 * them, and goes on without. */
nin_status ninp_held_copy(const ninp_resident_device *device, const nin_loader *loader,
                          nin_error *err);

/* The parts of both: what a preparer makes of `pixels`, the bytes of all pictures, as a device is
 * told it, and a picture that is not mixed with any other one. */
ninp_resident_pictures ninp_held_pictures(const ninp_preparer *preparer,
                                          const nin_dataset_info *info, const uint8_t *pixels);
ninp_resident_place ninp_held_lot(uint32_t picture, int32_t label, const ninp_augment *lot);

/* A picture with the loader's lot in an epoch, not mixed with any other one. */
ninp_resident_place ninp_held_place(const nin_loader *loader, int epoch, uint32_t picture);

#endif
