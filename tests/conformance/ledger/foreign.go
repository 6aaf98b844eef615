// A verifier that shares no code with Glasshatch: Go's sumdb tlog and note packages over our files.
//
//	foreign log  DIR KEY [WITNESSKEY]   checkpoint, every tile and every entry of an exported log
//	foreign pruned DIR KEY MINIMUM      the same with entries from a minimum index on, and all hashes
//	foreign proof FILE KEY              a tlog-proof@v1 file
//	foreign grow OLD NEW KEY            the checkpoint in NEW extends the one in OLD, by NEW's tiles
package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	var err error
	switch a := os.Args[1:]; a[0] {
	case "log":
		err = checkLog(a[1], a[2], a[3:], 0)
	case "pruned":
		var minimum int64
		if minimum, err = strconv.ParseInt(a[3], 10, 64); err == nil {
			err = checkLog(a[1], a[2], nil, minimum)
		}
	case "proof":
		err = checkProof(a[1], a[2])
	case "grow":
		err = checkGrowth(a[1], a[2], a[3])
	default:
		err = errors.New("unknown command")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "REFUSED:", err)
		os.Exit(1)
	}
}

// cosigner is a note.Verifier for tlog-cosignature, written from the specification.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (c cosigner) Name() string    { return c.name }
func (c cosigner) KeyHash() uint32 { return c.hash }
func (c cosigner) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	t := binary.BigEndian.Uint64(sig)
	return ed25519.Verify(c.key, []byte(fmt.Sprintf("cosignature/v1\ntime %d\n%s", t, msg)), sig[8:])
}

func newCosigner(vkey string) (note.Verifier, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return nil, errors.New("malformed witness key")
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(key) != 33 || key[0] != 4 {
		return nil, errors.New("malformed witness key")
	}
	sum := sha256.Sum256([]byte(parts[0] + "\n" + string(key)))
	if want := fmt.Sprintf("%08x", sum[:4]); want != parts[1] {
		return nil, errors.New("witness key does not fit its hash")
	}
	return cosigner{parts[0], binary.BigEndian.Uint32(sum[:4]), key[1:]}, nil
}

func openTree(text []byte, vkey string, witnesses []string) (tlog.Tree, error) {
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return tlog.Tree{}, err
	}
	list := []note.Verifier{v}
	for _, w := range witnesses {
		c, err := newCosigner(w)
		if err != nil {
			return tlog.Tree{}, err
		}
		list = append(list, c)
	}
	n, err := note.Open(text, note.VerifierList(list...))
	if err != nil {
		return tlog.Tree{}, err
	}
	if len(n.Sigs) != len(list) {
		return tlog.Tree{}, fmt.Errorf("%d of %d signatures", len(n.Sigs), len(list))
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[0] != v.Name() {
		return tlog.Tree{}, errors.New("not a checkpoint of this log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	hash, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: hash}, err
}

// files reads tiles of height 8 out of an exported directory; its paths are those of tlog-tiles.
type files struct{ dir string }

func (f files) Height() int                                 { return 8 }
func (f files) SaveTiles(tiles []tlog.Tile, data [][]byte) {}
func (f files) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, t := range tiles {
		// tile/8/L/N of the checksum database is tile/L/N of tlog-tiles.
		data, err := os.ReadFile(filepath.Join(f.dir, strings.Replace(t.Path(), "tile/8/", "tile/", 1)))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func checkLog(dir, vkey string, witnesses []string, minimum int64) error {
	text, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return err
	}
	tree, err := openTree(text, vkey, witnesses)
	if err != nil {
		return err
	}
	// TileHashReader authenticates the tiles it reads against the tree's root, but for trees of several
	// subtrees it leaves out the first tiles asked for (it counts subtrees, not their tiles): see whole.
	reader := tlog.TileHashReader(tree, files{dir})
	for first := int64(0); first < tree.N; first += 256 {
		width := tree.N - first
		if width > 256 {
			width = 256
		}
		var indexes []int64
		for i := int64(0); i < width; i++ {
			indexes = append(indexes, tlog.StoredHashIndex(0, first+i))
		}
		stored, err := reader.ReadHashes(indexes)
		if err != nil {
			return err
		}
		if err := whole(reader, stored, first); err != nil {
			return err
		}
		if first+width <= minimum {
			continue
		}
		leaves, err := bundle(dir, first/256, int(width))
		if err != nil {
			return err
		}
		for i, leaf := range leaves {
			if tlog.RecordHash(leaf) != stored[i] {
				return fmt.Errorf("entry %d does not have the hash of its leaf", first+int64(i))
			}
		}
	}
	fmt.Printf("size %d\n", tree.N)
	return nil
}

// whole folds a full tile of leaf hashes and compares it with the hash above it.
func whole(reader tlog.HashReader, leaves []tlog.Hash, first int64) error {
	if len(leaves) != 256 {
		return nil // a partial tile is needed for the root itself
	}
	above, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(8, first/256)})
	if err != nil {
		return err
	}
	level := append([]tlog.Hash(nil), leaves...)
	for len(level) > 1 {
		for i := 0; i < len(level)/2; i++ {
			level[i] = tlog.NodeHash(level[2*i], level[2*i+1])
		}
		level = level[:len(level)/2]
	}
	if level[0] != above[0] {
		return fmt.Errorf("the tile of leaf %d does not have the hash above it", first)
	}
	return nil
}

func bundle(dir string, number int64, width int) ([][]byte, error) {
	path := strings.Replace(tlog.Tile{H: 8, L: 0, N: number, W: width}.Path(), "tile/8/0/", "tile/entries/", 1)
	data, err := os.ReadFile(filepath.Join(dir, path))
	if err != nil {
		return nil, err
	}
	var all [][]byte
	for i := 0; i < width; i++ {
		if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
			return nil, errors.New("the bundle is too short")
		}
		end := 2 + int(binary.BigEndian.Uint16(data))
		all = append(all, data[2:end])
		data = data[end:]
	}
	if len(data) != 0 {
		return nil, errors.New("the bundle is too long")
	}
	return all, nil
}

func checkProof(file, vkey string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	head, checkpoint, _ := strings.Cut(string(data), "\n\n")
	lines := strings.Split(head, "\n")
	if len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("not a tlog-proof@v1")
	}
	entry, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
	if err != nil {
		return err
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	if err != nil {
		return err
	}
	var proof tlog.RecordProof
	for _, line := range lines[3:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return err
		}
		proof = append(proof, hash)
	}
	tree, err := openTree([]byte(checkpoint), vkey, nil)
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry)); err != nil {
		return err
	}
	fmt.Printf("entry %d of %d\n", index, tree.N)
	return nil
}

func checkGrowth(old, new, vkey string) error {
	var trees []tlog.Tree
	for _, dir := range []string{old, new} {
		text, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
		if err != nil {
			return err
		}
		tree, err := openTree(text, vkey, nil)
		if err != nil {
			return err
		}
		trees = append(trees, tree)
	}
	reader := tlog.TileHashReader(trees[1], files{new})
	proof, err := tlog.ProveTree(trees[1].N, trees[0].N, reader)
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(proof, trees[1].N, trees[1].Hash, trees[0].N, trees[0].Hash); err != nil {
		return err
	}
	fmt.Printf("%d extends %d\n", trees[1].N, trees[0].N)
	return nil
}
