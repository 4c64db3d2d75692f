// Package layertest is the conformance suite of channel layers: what package channel promises, tried on a store and a
// poster. A backend is done when it passes [Run]. A store is tried with channel.Memory as its poster, a poster with
// channel.Memory as its store, and the two together with real connections for channels.
//
// It does not test speed, nor what only one backend does; that is the backend's own to test.
package layertest
