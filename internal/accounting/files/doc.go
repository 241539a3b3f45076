// Package files is the accounting system that needs no account: an invoice file per order (UBL 2.1 after EN 16931), which
// nearly every bookkeeping program imports.
//
// Making a file and storing it are two things. Create only renders: the XML is stored with the booking, in its own
// transaction. Export writes it to the folder, from where it can be lost and written again. Find reads that folder, so
// that after a restored backup nothing is numbered twice. The package decides nothing about amounts or VAT: those stand
// in the doorzet.Document.
package files
