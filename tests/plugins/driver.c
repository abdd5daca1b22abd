/* Stands for libcuda.so.1 where there is no driver: nobody calls it, it only has to be there. */
extern const int nin_test_driver;
const int nin_test_driver = 1;
