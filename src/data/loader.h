/* What a loader does to the pictures of an epoch, for code that does the same elsewhere: functions
 * of the loader's options, whatever it is doing. */
#ifndef NINP_DATA_LOADER_H
#define NINP_DATA_LOADER_H

#include "data/mix.h"
#include "data/prepare.h"

const nin_dataset *ninp_loader_dataset(const nin_loader *loader);
const ninp_preparer *ninp_loader_preparer(const nin_loader *loader);
/* Place -> picture, for all pictures of the data set. */
void ninp_loader_order(const nin_loader *loader, int epoch, uint32_t *order);
ninp_augment ninp_loader_lot(const nin_loader *loader, int epoch, uint32_t picture);
/* Of batch `number`; NINP_MIX_NONE where pictures are not mixed. */
ninp_mix ninp_loader_mix(const nin_loader *loader, int epoch, int number);
/* Pictures of batch `number`. */
int ninp_loader_batch_size(const nin_loader *loader, int number);

#endif
