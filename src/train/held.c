#include "train/held.h"

#include <assert.h>
#include <string.h>

static_assert((int)NINP_RESIZE_PRECISION == (int)NINP_RESIDENT_PRECISION,
              "a device resizes with the same weights");

bool ninp_held_fits(const nin_loader *loader) {
    return ninp_preparer_is_local(ninp_loader_preparer(loader));
}

static ninp_resident_axis axis_of(const ninp_resize_axis *axis) {
    return (ninp_resident_axis){.out = axis->out,
                                .taps = axis->taps,
                                .firsts = axis->first,
                                .counts = axis->count,
                                .weights = axis->weights};
}

ninp_resident_pictures ninp_held_pictures(const ninp_preparer *preparer,
                                          const nin_dataset_info *info, const uint8_t *pixels) {
    const ninp_resizer *resizer = ninp_preparer_resizer(preparer);
    return (ninp_resident_pictures){.count = info->count,
                                    .channels = info->channels,
                                    .height = info->height,
                                    .width = info->width,
                                    .pixels = pixels,
                                    .x = axis_of(ninp_resizer_x(resizer)),
                                    .y = axis_of(ninp_resizer_y(resizer)),
                                    .floats = ninp_preparer_floats(preparer)};
}

nin_status ninp_held_copy(const ninp_resident_device *device, const nin_loader *loader,
                          nin_error *err) {
    const nin_dataset *dataset = ninp_loader_dataset(loader);
    const nin_dataset_info info = nin_dataset_get_info(dataset);
    const ninp_resident_pictures pictures =
        ninp_held_pictures(ninp_loader_preparer(loader), &info, nin_dataset_pixels(dataset, 0));
    return ninp_resident_told(device, 0, device->functions->hold(device->state, &pictures, err),
                              err);
}

ninp_resident_place ninp_held_lot(uint32_t picture, int32_t label, const ninp_augment *lot) {
    ninp_resident_place place = {.picture = picture,
                                 .label = label,
                                 .other_label = label,
                                 .label_share = 1.0F,
                                 .shift_x = lot->shift_x,
                                 .shift_y = lot->shift_y,
                                 .erase_x = lot->erase_x,
                                 .erase_y = lot->erase_y,
                                 .erase_width = lot->erase_width,
                                 .erase_height = lot->erase_height,
                                 .flip = lot->flip};
    memcpy(place.fill, lot->fill, sizeof place.fill);
    return place;
}

ninp_resident_place ninp_held_place(const nin_loader *loader, int epoch, uint32_t picture) {
    const ninp_augment lot = ninp_loader_lot(loader, epoch, picture);
    return ninp_held_lot(picture, nin_dataset_label(ninp_loader_dataset(loader), picture), &lot);
}
