// A program of our own, so it needs nothing.
module legato.dev/e2e/legato_cluster/modules/errand

go 1.24.0
