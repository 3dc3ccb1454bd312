module wcs.io/lab/demo

go 1.26
