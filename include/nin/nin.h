/* nin: trains, explains and ships small image classifiers. This header includes all the others. */
#ifndef NIN_NIN_H
#define NIN_NIN_H

#include <nin/base.h>
#include <nin/cuda.h>
#include <nin/data.h>
#include <nin/draw.h>
#include <nin/health.h>
#include <nin/image.h>
#include <nin/model.h>
#include <nin/net.h>
#include <nin/session.h>
#include <nin/train.h>

#endif
