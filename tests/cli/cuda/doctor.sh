# The part of nin doctor that is about CUDA.
. "$SOURCE/tests/cli/helpers.sh"
about_cuda() {
    "$NIN" doctor | grep -i cu
}
about_cuda
take_fake_device
about_cuda
NIN_FAKE=none about_cuda
NIN_FAKE=old about_cuda
NIN_FAKE=version about_cuda
NIN_FAKE=memory try doctor | grep -i -e cu -e training
